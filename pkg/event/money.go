package event

import "strings"

// Exponent is the number of digits of a currency's minor unit (ISO 4217), and whether the currency is known.
func Exponent(currency string) (int, bool) {
	switch currency {
	case "JPY", "KRW", "CLP", "VND", "ISK", "UGX", "XAF", "XOF", "PYG":
		return 0, true
	case "BHD", "KWD", "OMR", "TND", "JOD", "IQD":
		return 3, true
	case "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "TRY", "INR", "CNY",
		"HKD", "SGD", "TWD", "THB", "MYR", "PHP", "IDR", "AUD", "NZD", "CAD", "MXN", "BRL", "ARS", "COP", "ZAR",
		"AED", "SAR", "ILS", "EGP", "UAH", "PKR", "BDT", "LKR", "NGN", "KES":
		return 2, true
	}
	return 2, false
}

// Minor converts a JSON number in decimal notation to minor units, half away from zero, by integer arithmetic.
func Minor(number string, exponent int) (int64, bool) {
	s, negative := strings.CutPrefix(number, "-")
	mantissa, exp, hasExp := strings.Cut(strings.ToLower(s), "e")
	shift := 0
	if hasExp {
		var ok bool
		if shift, ok = smallInt(exp); !ok {
			return 0, false
		}
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits := whole + frac
	point := len(whole) + shift + exponent // digits before the decimal point of the result
	if len(digits) == 0 || point > 18 {
		return 0, false
	}
	var v int64
	for i := 0; i < point; i++ {
		d := int64(0)
		if i < len(digits) {
			if digits[i] < '0' || digits[i] > '9' {
				return 0, false
			}
			d = int64(digits[i] - '0')
		}
		v = v*10 + d
	}
	if point >= 0 && point < len(digits) && digits[point] >= '5' {
		v++
	}
	if negative {
		v = -v
	}
	return v, true
}

func smallInt(s string) (int, bool) {
	s, negative := strings.CutPrefix(strings.TrimPrefix(s, "+"), "-")
	if s == "" || len(s) > 2 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}
