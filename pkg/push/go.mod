module github.com/pushworker/pushworker/pkg/push

go 1.25.0

require github.com/google/go-cmp v0.7.0
