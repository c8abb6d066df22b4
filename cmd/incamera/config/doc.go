// Package config is InCamera's configuration: one strict YAML file, INCAMERA_… overrides from the environment and
// secrets from files, validated as a whole before anything starts.
//
// Only cmd reads it; every room of the house receives its own Options.
package config
