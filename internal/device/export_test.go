package device

// TokenKey is tokenKey for tests.
var TokenKey = tokenKey
