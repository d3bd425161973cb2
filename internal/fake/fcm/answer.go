package fcm

import (
	"fmt"
	"slices"

	"github.com/pushworker/pushworker/internal/fake"
	"github.com/pushworker/pushworker/internal/fake/h2"
)

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
)

const (
	fcmError   = `{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"`
	errorInfo  = `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"`
	fcmService = `"metadata":{"service":"fcm.googleapis.com","method":"google.firebase.fcm.v1.FcmService.SendMessage"}}`
)

// answers lists what a rule can name, beside what package fake adds. The order is that of docs/fakefcm.md.
func answers() []fake.Answer {
	return slices.Concat(requestFaults(), appleFaults(), providerFaults())
}

func requestFaults() []fake.Answer {
	challenge := []h2.Field{{Name: "www-authenticate", Value: `Bearer realm="https://accounts.google.com/", error="invalid_token"`}}
	return []fake.Answer{
		{Name: accepted, Status: 200, About: "the message is taken"},
		{Name: "unregistered", Status: 404, About: "the app is gone: forget the token", Body: `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND","details":[` + fcmError + `UNREGISTERED"}]}}`},
		{Name: "not-found", Status: 404, About: "404 without detail: not a verdict on the token", Body: `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}`},
		{Name: invalidToken, Status: 400, About: "the token is malformed", Body: `{"error":{"code":400,"message":"The registration token is not a valid FCM registration token","status":"INVALID_ARGUMENT","details":[` + fcmError + `INVALID_ARGUMENT"}]}}`},
		{Name: invalidArgument, Status: 400, About: "the message is wrong", Body: `{"error":{"code":400,"message":"Invalid value at 'message.data[0].value' (TYPE_STRING), 12","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.data[0].value","description":"Invalid value at 'message.data[0].value' (TYPE_STRING), 12"}]}]}}`},
		{Name: "sender-mismatch", Status: 403, About: "the token belongs to another project", Body: `{"error":{"code":403,"message":"SenderId mismatch","status":"PERMISSION_DENIED","details":[` + fcmError + `SENDER_ID_MISMATCH"}]}}`},
		{Name: permissionDenied, Status: 403, About: "our credentials may not send for the project", Body: `{"error":{"code":403,"message":"Permission 'cloudmessaging.messages.create' denied on resource (or it may not exist).","status":"PERMISSION_DENIED","details":[` + errorInfo + `IAM_PERMISSION_DENIED","domain":"iam.googleapis.com","metadata":{"permission":"cloudmessaging.messages.create"}}]}}`},
		{Name: "third-party-auth", Status: 401, About: "the project's APNs or web push key is wrong", Body: `{"error":{"code":401,"message":"Auth error from APNS or Web Push Service","status":"UNAUTHENTICATED","details":[` + fcmError + `THIRD_PARTY_AUTH_ERROR"},{"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":403,"reason":"InvalidProviderToken"}]}}`},
		{Name: unauthenticated, Status: 401, Header: challenge, About: "our access token is wrong or expired", Body: `{"error":{"code":401,"message":"Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.","status":"UNAUTHENTICATED"}}`},
		{Name: noCredentials, Status: 401, Header: challenge, About: "there was no access token", Body: `{"error":{"code":401,"message":"Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.","status":"UNAUTHENTICATED","details":[` + errorInfo + `CREDENTIALS_MISSING","domain":"googleapis.com",` + fcmService + `]}}`},
		{Name: insufficientScope, Status: 403, About: "our access token lacks the scope firebase.messaging", Body: `{"error":{"code":403,"message":"Request had insufficient authentication scopes.","status":"PERMISSION_DENIED","details":[` + errorInfo + `ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com",` + fcmService + `]}}`},
		{Name: noSuchPage, Status: 404, ContentType: fake.TypeHTML, About: "the front end's page for a wrong path", Body: "<!DOCTYPE html>\n<html lang=en><title>Error 404 (Not Found)!!1</title>\n<p><b>404.</b> <ins>That’s an error.</ins>\n<p>The requested URL was not found on this server.  <ins>That’s all we know.</ins>\n"},
	}
}

// appleFaults are what Apple has said to FCM, which passes it on.
func appleFaults() []fake.Answer {
	refused := func(status int, state, code, message string, apple int, reason string) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q,"details":[%s%s"},{"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":%d,"reason":%q}]}}`,
			status, message, state, fcmError, code, apple, reason)
	}
	invalid := func(message string, apple int, reason string) string {
		return refused(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message, apple, reason)
	}
	const message = "Request contains an invalid argument."
	return []fake.Answer{
		{Name: "apns-unregistered", Status: 400, About: "Apple: the app is gone", Body: invalid("APNs device token is disabled.", 410, "Unregistered")},
		{Name: "apns-bad-token", Status: 400, About: "Apple: the device's token is not valid", Body: invalid(message, 400, "BadDeviceToken")},
		{Name: "apns-topic", Status: 400, About: "Apple: the bundle id is wrong", Body: invalid(message, 400, "TopicDisallowed")},
		{Name: "apns-too-large", Status: 400, About: "Apple: the message is too large", Body: invalid(message, 413, "PayloadTooLarge")},
		{Name: "apns-environment", Status: 401, About: "Apple: the key is for another environment than the device's", Body: refused(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS or Web Push Service", 403, "BadEnvironmentKeyInToken")},
		{Name: "apns-unavailable", Status: 503, About: "Apple is down", Body: refused(503, "UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable.", 503, "ServiceUnavailable")},
	}
}

func providerFaults() []fake.Answer {
	return []fake.Answer{
		{Name: quotaDevice, Status: 429, RetryAfter: 60, About: "too much for one device", Body: `{"error":{"code":429,"message":"Message rate exceeded","status":"RESOURCE_EXHAUSTED","details":[` + fcmError + `QUOTA_EXCEEDED"},{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"device","description":"Device message rate exceeded"}]}]}}`},
		{Name: "quota-topic", Status: 429, RetryAfter: 60, About: "too much for one topic", Body: `{"error":{"code":429,"message":"Message rate exceeded","status":"RESOURCE_EXHAUSTED","details":[` + fcmError + `QUOTA_EXCEEDED"},{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"topic","description":"Topic message rate exceeded"}]}]}}`},
		{Name: quotaProject, Status: 429, RetryAfter: 37, About: "too much for the project", Body: `{"error":{"code":429,"message":"Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service 'fcm.googleapis.com' for consumer 'project_number:123456789012'.","status":"RESOURCE_EXHAUSTED","details":[` + errorInfo + `RATE_LIMIT_EXCEEDED","domain":"googleapis.com","metadata":{"quota_limit_value":"600000","consumer":"projects/123456789012","quota_metric":"fcm.googleapis.com/send_requests","quota_unit":"1/min/{project}","service":"fcm.googleapis.com","quota_location":"global","quota_limit":"SendsPerMinutePerProject"}},{"@type":"type.googleapis.com/google.rpc.Help","links":[{"description":"Request a higher quota limit.","url":"https://cloud.google.com/docs/quotas/help/request_increase"}]}]}}`},
		{Name: "internal", Status: 500, About: "a fault inside FCM", Body: `{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL","details":[` + fcmError + `INTERNAL"}]}}`},
		{Name: "unspecified", Status: 500, About: "500 that says nothing", Body: `{"error":{"code":500,"message":"Internal error encountered.","status":"INTERNAL","details":[` + fcmError + `UNSPECIFIED_ERROR"}]}}`},
		{Name: "unavailable", Status: 503, About: "FCM is down or overloaded", Body: `{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE","details":[` + fcmError + `UNAVAILABLE"}]}}`},
		{Name: "bad-gateway-html", Status: 502, ContentType: fake.TypeHTML, About: "the front end's page", Body: frontEndPage("502", "The server encountered a temporary error and could not complete your request.")},
		{Name: "gateway-timeout-html", Status: 504, ContentType: fake.TypeHTML, About: "the front end's page", Body: frontEndPage("504", "The server did not respond in time.")},
		{Name: "service-unavailable-html", Status: 503, ContentType: fake.TypeHTML, About: "the front end's page", Body: frontEndPage("503", "The service you requested is not available at this time.")},
	}
}

// frontEndPage is shaped after the error page of Google's front end.
func frontEndPage(code, text string) string {
	return "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Error " + code + " (Server Error)!!1</title>\n" +
		"<p><b>" + code + ".</b> <ins>That’s an error.</ins>\n<p>" + text + " <p>Please try again in 30 seconds.  <ins>That’s all we know.</ins>\n"
}
