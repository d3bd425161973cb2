module github.com/pushworker/pushworker/pkg/plugins/internal/h2post/h2spec

go 1.26.8

replace (
	github.com/pushworker/pushworker => ../../../../..
	github.com/pushworker/pushworker/pkg/publisher => ../../../../publisher
	github.com/pushworker/pushworker/pkg/push => ../../../../push
)

require (
	github.com/pushworker/pushworker v0.0.0
	github.com/summerwind/h2spec v2.2.1+incompatible
)

require (
	github.com/fatih/color v1.19.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.44.0 // indirect
)
