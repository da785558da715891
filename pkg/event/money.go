package event

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

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

// Minor converts a decimal number as JSON writes it to minor units, half away from zero, in integer arithmetic.
// It reports false for what is no number and for what does not fit.
func Minor(number string, exponent int) (int64, bool) {
	digits, point, negative, ok := decimal(number)
	if !ok {
		return 0, false
	}
	point += exponent // how many digits stand before the decimal point of the result
	var v int64
	for i := range point {
		d := int64(0)
		if i < len(digits) {
			d = int64(digits[i] - '0')
		}
		if v > (math.MaxInt64-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	if point >= 0 && point < len(digits) && digits[point] >= '5' {
		if v == math.MaxInt64 {
			return 0, false
		}
		v++
	}
	if negative {
		v = -v
	}
	return v, true
}

// decimal splits [-]digits[.digits][e[+-]digits] into its digits without leading zeros and the place of the point.
func decimal(number string) (digits string, point int, negative, ok bool) {
	s, negative := strings.CutPrefix(number, "-")
	mantissa, exp, hasExp := strings.Cut(strings.ToLower(s), "e")
	shift := 0
	if hasExp {
		if shift, ok = smallInt(exp); !ok {
			return "", 0, false, false
		}
	}
	whole, frac, hasFrac := strings.Cut(mantissa, ".")
	if whole == "" || hasFrac && frac == "" || !allDigits(whole) || !allDigits(frac) {
		return "", 0, false, false
	}
	digits = strings.TrimLeft(whole+frac, "0")
	return digits, len(whole) + shift - (len(whole) + len(frac) - len(digits)), negative, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// smallInt reads an exponent; more than two digits never make a sum of money.
func smallInt(s string) (int, bool) {
	s, negative := strings.CutPrefix(strings.TrimPrefix(s, "+"), "-")
	if s == "" || len(s) > 2 || !allDigits(s) {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// Convert turns minor units of a currency into those of another at a rate (units of the other for one of this), given
// as a decimal string; integer arithmetic, half away from zero. It reports false for a rate that is no positive
// decimal, and for what does not fit.
func Convert(minor int64, exponent int, rate string, to int) (int64, bool) {
	digits, point, negative, ok := decimal(rate)
	if !ok || negative || digits == "" || len(digits) > 18 {
		return 0, false
	}
	r, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	// minor · r · 10^shift, where digits stand for r · 10^(point − len(digits)).
	product := new(big.Int).Mul(big.NewInt(minor), big.NewInt(r))
	shift := point - len(digits) + to - exponent
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(shift, -shift))), nil)
	if shift >= 0 {
		product.Mul(product, scale)
	} else {
		half := new(big.Int).Rsh(scale, 1)
		if product.Sign() < 0 {
			half.Neg(half)
		}
		product.Quo(product.Add(product, half), scale)
	}
	if !product.IsInt64() {
		return 0, false
	}
	return product.Int64(), true
}

// ToBase is an amount of a currency in a store's base currency, at the rate for it; known is false where the currency or
// its rate is not known, and the value is excluded then. Nothing is nothing in every currency.
func ToBase(minor int64, currency, base, rate string, rated bool) (value int64, known bool) {
	if minor == 0 || currency == base {
		return minor, true
	}
	from, ok := Exponent(currency)
	to, _ := Exponent(base)
	if !ok || !rated {
		return 0, false
	}
	return Convert(minor, from, rate, to)
}
