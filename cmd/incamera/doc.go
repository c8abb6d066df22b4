// Command incamera is InCamera: one static binary whose subcommands are its roles.
//
// This is the one place that reads the configuration and knows every room of the house; each file is one subcommand
// or one part that subcommands share.
package main
