package figures

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// Waited is how long something on this machine has waited for a CPU since it started; false where the kernel does not
// tell (CONFIG_PSI).
func Waited() (time.Duration, bool) {
	page, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0, false
	}
	return parsePressure(string(page))
}

func parsePressure(page string) (time.Duration, bool) {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "some ") {
			continue
		}
		_, total, _ := strings.Cut(line, "total=")
		us, err := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
		return time.Duration(us) * time.Microsecond, err == nil && us >= 0
	}
	return 0, false
}
