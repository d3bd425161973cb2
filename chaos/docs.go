package main

const reliabilityDoc = "docs/reliability.md"

func writeDocs(doc, results string) error { return nil }
