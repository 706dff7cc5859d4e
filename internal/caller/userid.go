package caller

// ValidUserID says whether text is a UserID: 1 to 32 bytes of printable ASCII.
func ValidUserID(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return text != "" && len(text) <= 32
}
