package chat

import "github.com/parley-im/parley/api"

// checkSize refuses a message whose string fields and CloudCustomData together
// are longer than the app allows (document 1047/34381).
func checkSize(c *Content, settings *Settings) *Refusal {
	if settings.MaxMessage <= 0 || c.Size <= settings.MaxMessage {
		return nil
	}
	return compared(Fail(api.CodeMessageTooLong), "size", c.Size, "limit", settings.MaxMessage)
}
