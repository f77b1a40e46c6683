-- Gives what :role owns in this database, and the database itself, to :owner.
SELECT format('REASSIGN OWNED BY %I TO %I', :'role', :'owner') \gexec
