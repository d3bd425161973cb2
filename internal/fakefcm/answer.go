package fakefcm

import (
	"fmt"
	"slices"
)

// A fate is what becomes of the exchange.
type fate uint8

const (
	fateAnswer fate = iota + 1 // answered
	fateStall                  // never answered
	fateReset                  // RST_STREAM INTERNAL_ERROR; HTTP/1.1: cut
	fateRefuse                 // RST_STREAM REFUSED_STREAM; HTTP/1.1: closed
	fateGoAway                 // answered, GOAWAY; HTTP/1.1: Connection: close
	fateClose                  // connection closed in order, without an answer
	fateCut                    // connection reset
	fateFreeze                 // connection half-open from here on
)

// An answer is one row of the table of what FCM can say.
type answer struct {
	name   string
	about  string
	status int
	fate   fate
	// retryAfter is the Retry-After in seconds that FCM sends with it; 0 means none.
	retryAfter int
	html       bool
	body       string
	bytes      []byte // body, made once
	id         int    // place in the table
}

// Names of the answers that the server gives by itself.
const (
	accepted          = "accepted"
	invalidArgument   = "invalid-argument"
	invalidToken      = "invalid-token"
	unauthenticated   = "auth"
	noCredentials     = "auth-missing"
	insufficientScope = "auth-scope"
	permissionDenied  = "permission-denied"
	quotaDevice       = "quota-device"
	quotaProject      = "quota-project"
	noSuchPage        = "not-found-html"
	custom            = "custom"
)

const (
	fcmError   = `{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"`
	errorInfo  = `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"`
	fcmService = `"metadata":{"service":"fcm.googleapis.com","method":"google.firebase.fcm.v1.FcmService.SendMessage"}}`
)

// answers lists what a rule can name. The order is that of docs/fakefcm.md.
func answers() []answer {
	return slices.Concat(requestFaults(), appleFaults(), providerFaults(), lineFaults())
}

func requestFaults() []answer {
	return []answer{
		{name: accepted, status: 200, about: "the message is taken"},
		{name: "unregistered", status: 404, about: "the app is gone: forget the token", body: `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND","details":[` + fcmError + `UNREGISTERED"}]}}`},
		{name: "not-found", status: 404, about: "404 without detail: not a verdict on the token", body: `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}`},
		{name: invalidToken, status: 400, about: "the token is malformed", body: `{"error":{"code":400,"message":"The registration token is not a valid FCM registration token","status":"INVALID_ARGUMENT","details":[` + fcmError + `INVALID_ARGUMENT"}]}}`},
		{name: invalidArgument, status: 400, about: "the message is wrong", body: `{"error":{"code":400,"message":"Invalid value at 'message.data[0].value' (TYPE_STRING), 12","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.data[0].value","description":"Invalid value at 'message.data[0].value' (TYPE_STRING), 12"}]}]}}`},
		{name: "sender-mismatch", status: 403, about: "the token belongs to another project", body: `{"error":{"code":403,"message":"SenderId mismatch","status":"PERMISSION_DENIED","details":[` + fcmError + `SENDER_ID_MISMATCH"}]}}`},
		{name: permissionDenied, status: 403, about: "our credentials may not send for the project", body: `{"error":{"code":403,"message":"Permission 'cloudmessaging.messages.create' denied on resource (or it may not exist).","status":"PERMISSION_DENIED","details":[` + errorInfo + `IAM_PERMISSION_DENIED","domain":"iam.googleapis.com","metadata":{"permission":"cloudmessaging.messages.create"}}]}}`},
		{name: "third-party-auth", status: 401, about: "the project's APNs or web push key is wrong", body: `{"error":{"code":401,"message":"Auth error from APNS or Web Push Service","status":"UNAUTHENTICATED","details":[` + fcmError + `THIRD_PARTY_AUTH_ERROR"},{"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":403,"reason":"InvalidProviderToken"}]}}`},
		{name: unauthenticated, status: 401, about: "our access token is wrong or expired", body: `{"error":{"code":401,"message":"Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.","status":"UNAUTHENTICATED"}}`},
		{name: noCredentials, status: 401, about: "there was no access token", body: `{"error":{"code":401,"message":"Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.","status":"UNAUTHENTICATED","details":[` + errorInfo + `CREDENTIALS_MISSING","domain":"googleapis.com",` + fcmService + `]}}`},
		{name: insufficientScope, status: 403, about: "our access token lacks the scope firebase.messaging", body: `{"error":{"code":403,"message":"Request had insufficient authentication scopes.","status":"PERMISSION_DENIED","details":[` + errorInfo + `ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com",` + fcmService + `]}}`},
		{name: noSuchPage, status: 404, html: true, about: "the front end's page for a wrong path", body: "<!DOCTYPE html>\n<html lang=en><title>Error 404 (Not Found)!!1</title>\n<p><b>404.</b> <ins>That’s an error.</ins>\n<p>The requested URL was not found on this server.  <ins>That’s all we know.</ins>\n"},
	}
}

// appleFaults are what Apple has said to FCM, which passes it on.
func appleFaults() []answer {
	refused := func(status int, state, code, message string, apple int, reason string) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q,"details":[%s%s"},{"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":%d,"reason":%q}]}}`,
			status, message, state, fcmError, code, apple, reason)
	}
	invalid := func(message string, apple int, reason string) string {
		return refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message, apple, reason)
	}
	const message = "Request contains an invalid argument."
	return []answer{
		{name: "apns-unregistered", status: 400, about: "Apple: the app is gone", body: invalid("APNs device token is disabled.", 410, "Unregistered")},
		{name: "apns-bad-token", status: 400, about: "Apple: the device's token is not valid", body: invalid(message, 400, "BadDeviceToken")},
		{name: "apns-topic", status: 400, about: "Apple: the bundle id is wrong", body: invalid(message, 400, "TopicDisallowed")},
		{name: "apns-too-large", status: 400, about: "Apple: the message is too large", body: invalid(message, 413, "PayloadTooLarge")},
		{name: "apns-environment", status: 401, about: "Apple: the key is for another environment than the device's", body: refused(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS or Web Push Service", 403, "BadEnvironmentKeyInToken")},
		{name: "apns-unavailable", status: 503, about: "Apple is down", body: refused(503, "UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable.", 503, "ServiceUnavailable")},
	}
}

func providerFaults() []answer {
	return []answer{
		{name: quotaDevice, status: 429, retryAfter: 60, about: "too much for one device", body: `{"error":{"code":429,"message":"Message rate exceeded","status":"RESOURCE_EXHAUSTED","details":[` + fcmError + `QUOTA_EXCEEDED"},{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"device","description":"Device message rate exceeded"}]}]}}`},
		{name: "quota-topic", status: 429, retryAfter: 60, about: "too much for one topic", body: `{"error":{"code":429,"message":"Message rate exceeded","status":"RESOURCE_EXHAUSTED","details":[` + fcmError + `QUOTA_EXCEEDED"},{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"topic","description":"Topic message rate exceeded"}]}]}}`},
		{name: quotaProject, status: 429, retryAfter: 37, about: "too much for the project", body: `{"error":{"code":429,"message":"Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service 'fcm.googleapis.com' for consumer 'project_number:123456789012'.","status":"RESOURCE_EXHAUSTED","details":[` + errorInfo + `RATE_LIMIT_EXCEEDED","domain":"googleapis.com","metadata":{"quota_limit_value":"600000","consumer":"projects/123456789012","quota_metric":"fcm.googleapis.com/send_requests","quota_unit":"1/min/{project}","service":"fcm.googleapis.com","quota_location":"global","quota_limit":"SendsPerMinutePerProject"}},{"@type":"type.googleapis.com/google.rpc.Help","links":[{"description":"Request a higher quota limit.","url":"https://cloud.google.com/docs/quotas/help/request_increase"}]}]}}`},
		{name: "internal", status: 500, about: "a fault inside FCM", body: `{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL","details":[` + fcmError + `INTERNAL"}]}}`},
		{name: "unspecified", status: 500, about: "500 that says nothing", body: `{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL","details":[` + fcmError + `UNSPECIFIED_ERROR"}]}}`},
		{name: "unavailable", status: 503, about: "FCM is down or overloaded", body: `{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE","details":[` + fcmError + `UNAVAILABLE"}]}}`},
		{name: "bad-gateway-html", status: 502, html: true, about: "the front end's page", body: frontEndPage("502", "The server encountered a temporary error and could not complete your request.")},
		{name: "gateway-timeout-html", status: 504, html: true, about: "the front end's page", body: frontEndPage("504", "The server did not respond in time.")},
		{name: "service-unavailable-html", status: 503, html: true, about: "the front end's page", body: frontEndPage("503", "The service you requested is not available at this time.")},
	}
}

func lineFaults() []answer {
	return []answer{
		{name: "stall", fate: fateStall, about: "no answer"},
		{name: "reset", fate: fateReset, about: "RST_STREAM INTERNAL_ERROR (HTTP/1.1: as cut)"},
		{name: "refuse", fate: fateRefuse, about: "RST_STREAM REFUSED_STREAM: not processed (HTTP/1.1: as close)"},
		{name: "goaway", fate: fateGoAway, status: 200, about: "the message is taken, and GOAWAY: no further requests on this connection"},
		{name: "close", fate: fateClose, about: "the connection is closed in order, without an answer"},
		{name: "cut", fate: fateCut, about: "the connection is reset"},
		{name: "freeze", fate: fateFreeze, about: "the connection is half-open from here on: nothing is read or answered, pings included"},
	}
}

// frontEndPage is shaped after the error page of Google's front end.
func frontEndPage(code, text string) string {
	return "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Error " + code + " (Server Error)!!1</title>\n" +
		"<p><b>" + code + ".</b> <ins>That’s an error.</ins>\n<p>" + text + " <p>Please try again in 30 seconds.  <ins>That’s all we know.</ins>\n"
}
