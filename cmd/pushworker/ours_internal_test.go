package main

import "github.com/pushworker/pushworker/internal/cli"

func ours() cli.Program { return cli.Program{Plugins: register} }
