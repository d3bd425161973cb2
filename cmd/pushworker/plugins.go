package main

import (
	"io"

	"github.com/pushworker/pushworker/pkg/plugins/apns"
	"github.com/pushworker/pushworker/pkg/plugins/fcm"
	"github.com/pushworker/pushworker/pkg/plugins/hms"
	"github.com/pushworker/pushworker/pkg/plugins/stdout"
	"github.com/pushworker/pushworker/pkg/plugins/webhook"
	"github.com/pushworker/pushworker/pkg/plugins/webpush"
	"github.com/pushworker/pushworker/pkg/push"
)

// register is the one list of built-in handlers. Those that reach devices ask d.
func register(r *push.Registry, d push.Directory, out io.Writer) {
	r.RegisterType("fcm", func() push.Handler { return fcm.New(d) })
	r.RegisterType("apns", func() push.Handler { return apns.New(d) })
	r.RegisterType("hms", func() push.Handler { return hms.New(d) })
	r.RegisterType("webhook", func() push.Handler { return webhook.New(d) })
	r.RegisterType("webpush", func() push.Handler { return webpush.New(d) })
	r.RegisterType("stdout", stdout.Type(out))
}
