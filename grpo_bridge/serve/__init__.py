"""`verify serve`: rewards over HTTP, for trainers on other machines or with packages that conflict with ours."""
