package row

import (
	"encoding/json"
	"fmt"

	"github.com/waymark-gps/waymark/data"
)

// CheckShare tells whether sh can be stored.
func CheckShare(sh *data.Share) error {
	if err := checkKey("token", sh.Token); err != nil {
		return err
	}
	return checkTexts("share", sh.Name)
}

// EncodeShareView writes what a share shows as JSON.
func EncodeShareView(v *data.ShareView) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write share: %w: %w", data.ErrInvalid, err)
	}
	return string(b), nil
}

// DecodeShareView reads what EncodeShareView wrote.
func DecodeShareView(s string, v *data.ShareView) error {
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return fmt.Errorf("read share: %w", err)
	}
	return nil
}
