-- Gives the database :name to :owner.
SELECT format('ALTER DATABASE %I OWNER TO %I', :'name', :'owner') \gexec
