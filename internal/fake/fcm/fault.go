package fcm

import "encoding/json"

// A violation is one fault of a request (google.rpc.BadRequest.FieldViolation).
type violation struct {
	Field       string `json:"field,omitempty"`
	Description string `json:"description"`
}

// A fault is a request that FCM turns down with 400 INVALID_ARGUMENT. Which
// details it carries, and in which order, follows what was observed of FCM.
type fault struct {
	name       string // of the answer; empty is invalid-argument
	message    string
	violations []violation
	badRequest bool // with a BadRequest detail, which may be empty
	fcm        bool // with an FcmError detail
}

// syntaxFault is a body that is no JSON of a message; the API's front end finds it.
func syntaxFault(message string) *fault {
	return &fault{message: message}
}

// fieldFault is a message that FCM itself refuses because of a field.
func fieldFault(field, message string) *fault {
	return &fault{message: message, violations: []violation{{field, message}}, badRequest: true, fcm: true}
}

// body renders the error as FCM does.
func (f *fault) body() []byte {
	type detail struct {
		Type       string      `json:"@type"`
		ErrorCode  string      `json:"errorCode,omitempty"`
		Violations []violation `json:"fieldViolations,omitempty"`
	}
	var details []detail
	if f.badRequest {
		details = append(details, detail{Type: "type.googleapis.com/google.rpc.BadRequest", Violations: f.violations})
	}
	if f.fcm {
		details = append(details, detail{Type: fcmType + "FcmError", ErrorCode: "INVALID_ARGUMENT"})
	}
	var envelope struct {
		Error struct {
			Code    int      `json:"code"`
			Message string   `json:"message"`
			Status  string   `json:"status"`
			Details []detail `json:"details,omitempty"`
		} `json:"error"`
	}
	envelope.Error.Code, envelope.Error.Message = 400, f.message
	envelope.Error.Status, envelope.Error.Details = "INVALID_ARGUMENT", details
	body, _ := json.Marshal(envelope) // strings only: it can't fail
	return body
}
