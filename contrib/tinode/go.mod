module github.com/pushworker/pushworker/contrib/tinode

go 1.26.0

require (
	github.com/gorilla/websocket v1.5.3
	github.com/nats-io/nats.go v1.53.1
	github.com/pushworker/pushworker/pkg/publisher v0.0.0
	github.com/pushworker/pushworker/pkg/push v0.0.0
	github.com/tinode/chat v0.25.3
)

require (
	github.com/klauspost/compress v1.19.0 // indirect
	github.com/nats-io/nkeys v0.4.15 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/tinode/snowflake v1.0.0 // indirect
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
)

replace (
	github.com/pushworker/pushworker/pkg/publisher => ../../pkg/publisher
	github.com/pushworker/pushworker/pkg/push => ../../pkg/push
)
