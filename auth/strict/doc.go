// Package strict reads compact JWS and JSON so that a text has one meaning or is refused.
package strict
