module github.com/pushworker/pushworker/chaos

go 1.26.8

replace (
	github.com/pushworker/pushworker => ..
	github.com/pushworker/pushworker/pkg/publisher => ../pkg/publisher
	github.com/pushworker/pushworker/pkg/push => ../pkg/push
)

require (
	github.com/google/go-cmp v0.7.0
	github.com/nats-io/nats.go v1.55.0
	github.com/pushworker/pushworker v0.0.0
	github.com/rs/zerolog v1.35.1
	golang.org/x/sync v0.25.0
)

require (
	go.opentelemetry.io/otel v1.47.0 // indirect
	go.opentelemetry.io/otel/trace v1.47.0 // indirect
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/prometheus/client_golang v1.25.0 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/pushworker/pushworker/pkg/publisher v0.0.0
	github.com/pushworker/pushworker/pkg/push v0.0.0
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	golang.org/x/crypto v0.59.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
