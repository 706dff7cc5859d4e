package sqlite

// Sever closes the connection that writes, in mid-transaction if there is one.
func (s *Store) Sever() error { return s.files.writer.close() }
