package fcm

// platform is what FCM reaches a device through.
type platform uint8

const (
	otherPlatform platform = iota
	android
	ios
	web
	platforms // how many there are
)

func platformOf(name string) platform {
	switch name {
	case "android":
		return android
	case "ios":
		return ios
	case "web":
		return web
	}
	return otherPlatform
}

// String is the platform's name in directories.
func (p platform) String() string { return [...]string{"", "android", "ios", "web"}[p] }
