package schema

import _ "embed"

//go:generate go test -run ^TestDocumentsAreGenerated$ . -update

//go:embed receipt.json
var receipt string

//go:embed device.json
var device string

//go:embed asyncapi.json
var asyncAPI string

// Receipt is the JSON Schema (2020-12) of a receipt, as it is published on
// push.receipts.
func Receipt() string { return receipt }

// Device is the JSON Schema (2020-12) of a device, as a line of an import or a
// request on push.devices.put has it.
func Device() string { return device }

// AsyncAPI is the AsyncAPI 3.0.0 document, in JSON: which subjects there are, who
// sends what there, and with which headers.
func AsyncAPI() string { return asyncAPI }
