package api

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

const maxDescription = 512

// savedCommands serves commands that are kept to be sent again.
func (s *Server) savedCommands() resource[data.SavedCommand, *data.SavedCommand] {
	return resource[data.SavedCommand, *data.SavedCommand]{s: s, check: checkSavedCommand, links: s.commandLinks, hide: hidePassword}
}

// hidePassword leaves out a password that somebody sent along: it is nobody
// else's business.
func hidePassword(c *data.SavedCommand) {
	c.Attributes = slices.DeleteFunc(slices.Clone(c.Attributes), func(a data.Attribute) bool { return a.Key == "devicePassword" })
}

func checkSavedCommand(c *data.SavedCommand) error {
	if err := checkCommand(&c.Type, c.Attributes); err != nil {
		return err
	}
	return clean("the description", &c.Description, maxDescription, false)
}

// commandLinks link a new command to the device it names.
func (s *Server) commandLinks(r *http.Request, c *data.SavedCommand) ([]data.Link, error) {
	id := c.DeviceID
	if c.DeviceID = 0; id == 0 {
		return nil, nil
	}
	d, err := s.commandDevice(r, id)
	return []data.Link{{Owner: data.DeviceKind, OwnerID: d.ID, Property: data.CommandKind}}, err
}

// usableCommands are the saved commands that the sender of a request may send
// to a device: those of the account and its groups, and those of the device.
func (s *Server) usableCommands(r *http.Request, d *data.Device) ([]data.SavedCommand, error) {
	v := viewerOf(r)
	ofDevice, err := s.deps.Store.LinkedIDs(r.Context(), data.DeviceKind, []int64{d.ID})
	if err != nil {
		return nil, fmt.Errorf("list saved commands of device: %w", err)
	}
	list, err := storage.ListObjects[data.SavedCommand](r.Context(), s.deps.Store, storage.ObjectFilter{IDs: v.IDs(data.CommandKind)})
	if err != nil {
		return nil, fmt.Errorf("list saved commands: %w", err)
	}
	return slices.DeleteFunc(list, func(c data.SavedCommand) bool {
		return !v.Owns(data.CommandKind, c.ID) && !slices.Contains(ofDevice[data.CommandKind], c.ID)
	}), nil
}

// appendText appends a text, null if it is empty.
func appendText(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return data.AppendJSONString(b, s)
}
