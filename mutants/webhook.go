package main

// webhooks breaks the webhook handler.
func webhooks() []mutant {
	return []mutant{
		{
			name: "webhook with a new id in every attempt", file: "pkg/plugins/webhook/handler.go",
			old: `if id := r.Delivery().ID(); id != "" {`, now: `if id := r.Delivery().ID(); id == "-" {`,
			pkg: hooks, test: "TestIDIsThatOfTheReceipt",
		},
		{
			name: "webhook posts to private addresses", file: "pkg/plugins/webhook/sender.go",
			old: "err != nil || c.AllowPrivate {", now: "err != nil || len(c.Secrets) > 0 {",
			pkg: hooks, test: "TestPrivateAddressesAreRefused",
		},
		{
			name: "webhook's answer that nobody understands taken for success", file: "pkg/plugins/webhook/answer.go",
			old: "json.Unmarshal(x.Body, r) != nil || r.Version != answerVersion {", now: "json.Unmarshal(x.Body, r) != nil {",
			pkg: hooks, test: "TestReceiverNamesWhoRemains",
		},
	}
}
