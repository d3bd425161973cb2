// Package config is what an operator may set: the environment variables of
// pushworker, their defaults, and the rules they must keep. [Config] is the
// manual; the reference table, .env.example and `pushworker config docs` are
// generated from it.
//
// [Load] reads an environment that is handed to it, lets flags win over it, and
// reports every fault at once, each with the variable's name and a hint and
// never with the value of a secret. The environment is decoded by envconfig;
// its traps (an empty variable beats the default, one fault at a time, values in
// error texts, silent typos) end in this package and can be replaced with it.
//
// The package refuses to know how the settings are used. It does not know which
// handlers exist and does not look into their config beyond the common keys.
// What is lost at its border: whether a value was written in the environment,
// in a file or as a flag is only kept as a [Source] for [Config.Effective].
package config
