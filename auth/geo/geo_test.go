package geo_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"incamera/auth/geo"
)

func TestAPlaceComesFromTheFileAndIsUnknownWithoutIt(t *testing.T) {
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "test-City", RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, prefix, _ := net.ParseCIDR("192.0.2.0/24")
	err = w.Insert(prefix, mmdbtype.Map{
		"country":  mmdbtype.Map{"iso_code": mmdbtype.String("DE")},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(52.5), "longitude": mmdbtype.Float64(13.4)},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "city.mmdb")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteTo(out); err != nil {
		t.Fatal(err)
	}
	out.Close()
	f, err := geo.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	here := f.Of(netip.MustParseAddr("::ffff:192.0.2.9"))
	if here.Country != "DE" || !here.Located {
		t.Errorf("%+v", here)
	}
	if p := f.Of(netip.MustParseAddr("198.51.100.1")); p != (geo.Place{}) {
		t.Errorf("an address that is not in the file is at %+v", p)
	}
	if p := (*geo.File)(nil).Of(netip.MustParseAddr("192.0.2.9")); p != (geo.Place{}) {
		t.Errorf("without a file: %+v", p)
	}
	if km := geo.Distance(here, geo.Place{Lat: 48.14, Lon: 11.58}); km < 480 || km > 520 {
		t.Errorf("Berlin to Munich: %.0f km", km)
	}
}
