package apns

import (
	"strings"
	"unicode"

	"github.com/pushworker/pushworker/internal/fake"
)

const accepted = "accepted"

// answers lists what a rule can name, beside what package fake adds. Their names are
// Apple's reasons in lower case with hyphens. The order is that of docs/apns.md.
func answers() []fake.Answer {
	all := []fake.Answer{{Name: accepted, Status: 200, ContentType: typeJSON, About: "the push is taken"}}
	for _, row := range []struct {
		status        int
		reason, about string
	}{
		{400, "BadCollapseId", "apns-collapse-id has more than 64 bytes"},
		{400, "BadDeviceToken", "the device's token is not valid, or is of the other environment"},
		{400, "BadExpirationDate", "apns-expiration is no number"},
		{400, "BadMessageId", "apns-id is no UUID in lower case"},
		{400, "BadPriority", "apns-priority is not 10, 5 or 1; of a background push it is 10"},
		{400, "BadTopic", "apns-topic does not suit the push type"},
		{400, "DeviceTokenNotForTopic", "the device's token is of another topic: the first push to a token decides"},
		{400, "DuplicateHeaders", "a header is there twice"},
		{400, "IdleTimeout", "the connection was idle for too long"},
		{400, "InvalidPushType", "apns-push-type is unknown, or does not suit the payload"},
		{400, "MissingDeviceToken", "the path has no token"},
		{400, "MissingTopic", "apns-topic is missing"},
		{400, "PayloadEmpty", "the body is empty"},
		{400, "BadPayload", "the fake's own: the body is no JSON object with an object aps in its documented form"},
		{400, "TopicDisallowed", "the key may not send to this topic"},
		{403, "BadCertificate", "the certificate is wrong"},
		{403, "BadCertificateEnvironment", "the certificate is for the other environment"},
		{403, "BadEnvironmentKeyInToken", "the key is for the other environment"},
		{403, "ExpiredProviderToken", "the provider token is older than an hour"},
		{403, "Forbidden", "the key may not do that"},
		{403, "InvalidProviderToken", "the provider token is malformed, or not signed by a key that is known"},
		{403, "MissingProviderToken", "there is no provider token"},
		{403, "UnrelatedKeyIdInToken", "the connection has begun with another key"},
		{404, "BadPath", "the path is not /3/device/ and a token"},
		{405, "MethodNotAllowed", "the method is not POST"},
		{410, "ExpiredToken", "the device's token has expired"},
		{410, "Unregistered", "the app is gone: forget the token"},
		{413, "PayloadTooLarge", "more than 4,096 bytes, of a call 5,120"},
		{429, "TooManyProviderTokenUpdates", "a second provider token within 20 minutes on one connection, which takes nothing more"},
		{429, "TooManyRequests", "too much for one device"},
		{500, "InternalServerError", "a fault inside Apple's service"},
		{503, "ServiceUnavailable", "the service is down or overloaded"},
		{503, "Shutdown", "the server is shutting down"},
	} {
		all = append(all, fake.Answer{
			Name: nameOf(row.reason), Status: row.status, ContentType: typeJSON, About: row.about, Body: `{"reason":"` + row.reason + `"}`,
		})
	}
	return all
}

const typeJSON = "application/json"

// nameOf is what rules call a reason.
func nameOf(reason string) string {
	var name strings.Builder
	for i, c := range reason {
		if unicode.IsUpper(c) && i > 0 {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(c))
	}
	return name.String()
}
