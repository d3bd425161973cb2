package config

// validate checks every rule that a single decoded value does not carry.
func validate(c *Config, f *findings) {
}
