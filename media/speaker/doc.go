// Package speaker picks the loudest people of a room for the audio slots and orders the room by who spoke last.
package speaker
