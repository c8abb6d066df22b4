// Package layer measures the simulcast layers of a publisher and those within one stream, and tells publishers what nobody
// watches.
package layer
