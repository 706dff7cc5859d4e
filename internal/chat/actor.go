package chat

// Actor is who asks for something: an app admin, who may do everything, or a
// user by his own connection, whose role in the group decides.
type Actor struct {
	User   UserID
	Client bool
}

// Admin is an admin of the app. It may be nobody in particular.
func Admin(user UserID) Actor { return Actor{User: user} }

// Client is a user by his own connection.
func Client(user UserID) Actor { return Actor{User: user, Client: true} }
