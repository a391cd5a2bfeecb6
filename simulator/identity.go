package simulator

import (
	"fmt"

	"github.com/waymark-gps/waymark/util/converters"
)

// IMEI is the identity of simulated device n, 0 to 99999: 15 digits beginning
// with 860000000, the last one the check digit.
func IMEI(n int) string {
	digits := fmt.Sprintf("860000000%05d", n)
	check, _ := converters.LuhnDigit(digits)
	return digits + string(check)
}
