package geo

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Place is where an address is, as well as the file knows.
type Place struct {
	Country  string // ISO 3166-1, upper case; "" when not known
	Lat, Lon float64
	Located  bool // Lat and Lon are known
}

// File is an open database; a nil File knows nothing. It is safe for concurrent use.
type File struct{ db *maxminddb.Reader }

// Open reads a file.
func Open(path string) (*File, error) {
	db, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("geo: %w", err)
	}
	return &File{db}, nil
}

// Close closes the file.
func (f *File) Close() error {
	if f == nil {
		return nil
	}
	return f.db.Close()
}

type record struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Location struct {
		Lat *float64 `maxminddb:"latitude"`
		Lon *float64 `maxminddb:"longitude"`
	} `maxminddb:"location"`
}

// Of is where an address is. What cannot be read is not known.
func (f *File) Of(a netip.Addr) Place {
	if f == nil || !a.IsValid() {
		return Place{}
	}
	var r record
	if f.db.Lookup(a.Unmap()).Decode(&r) != nil {
		return Place{}
	}
	p := Place{Country: r.Country.Code}
	if r.Location.Lat != nil && r.Location.Lon != nil {
		p.Lat, p.Lon, p.Located = *r.Location.Lat, *r.Location.Lon, true
	}
	return p
}

const earthRadius = 6371.0

// Distance of two places in kilometres, on the sphere.
func Distance(a, b Place) float64 {
	rad := math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad/2, (b.Lon-a.Lon)*rad/2
	h := math.Pow(math.Sin(dLat), 2) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon), 2)
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(h)))
}
