package trial

import (
	"os"
	"testing"
	"time"

	"incamera/media/link"
)

func kbit(steps ...int) (out []link.Step) {
	for i := 0; i+1 < len(steps); i += 2 {
		out = append(out, link.Step{At: time.Duration(steps[i]) * time.Second, Rate: 1000 * layerRate(steps[i+1])})
	}
	return out
}

func TestLook(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		t.Skip()
	}
	sc := scenarios[os.Getenv("LOOK")]
	sc.Seed = 3
	r := Run(sc)
	t.Log("\n" + r.Course(1))
}
