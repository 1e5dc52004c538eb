"""What people look at: the desk (Qt) and the page (Django). Neither knows the other, nor the database."""
