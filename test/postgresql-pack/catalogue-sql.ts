/**
 * Pieces of SQL that the queries of the digest are composed of. All of them name objects by `pg_identify_object`, never by
 * OID, and expect an empty search_path, so that every name in a definition is qualified.
 */

/** Rows that come with every database: schemas of the system, of TOAST and of temporary tables. */
export const isSystemSchema = (schema: string) =>
  `${schema} ~ '^(pg_catalog|information_schema|pg_toast|pg_temp_|pg_toast_temp_)'`

/** Whether an object belongs to an extension, which then represents it. */
export const isMember = (catalog: string, oid: string) => `EXISTS (SELECT FROM pg_depend AS member
  WHERE member.classid = '${catalog}'::regclass AND member.objid = ${oid} AND member.deptype = 'e')`

/** Objects of a catalog that users created in this database. */
export const isOwn = (catalog: string, oid: string) => `(${oid} >= 16384 AND NOT ${isMember(catalog, oid)})`

/** The qualified, quoted name of an object. */
export const identity = (catalog: string, oid: string) =>
  `(SELECT identified.identity FROM pg_identify_object('${catalog}'::regclass, ${oid}, 0) AS identified)`

/** The kind and name of an object, such as `table public.person`. */
export const described = (catalog: string, oid: string) =>
  `(SELECT identified.type || ' ' || identified.identity FROM pg_identify_object('${catalog}'::regclass, ${oid}, 0) AS identified)`

/** A role's name; 0 is PUBLIC. */
export const role = (oid: string) => `CASE WHEN ${oid} = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(${oid}) END`

/** Privileges in a fixed order, also where the catalog has none because they are the default ones. */
export const privileges = (acl: string) => `(SELECT coalesce(string_agg(
    format('%s=%s%s/%s', ${role('entry.grantee')}, entry.privilege_type, CASE WHEN entry.is_grantable THEN '*' END,
      ${role('entry.grantor')}), ' '
    ORDER BY ${role('entry.grantee')} COLLATE "C", entry.privilege_type, ${role('entry.grantor')} COLLATE "C"), 'none')
  FROM aclexplode(${acl}) AS entry)`

/** Options as `name=value`, in a fixed order. */
export const options = (array: string) =>
  `(SELECT string_agg(option, ' ' ORDER BY option COLLATE "C") FROM unnest(${array}) AS option)`

/** Joins what is not null to one line. */
export const line = (...parts: string[]) => `concat_ws(' ', ${parts.join(', ')})`

/** A word for a flag that is set, nothing for one that is not. */
export const flag = (condition: string, word: string) => `CASE WHEN ${condition} THEN '${word}' END`

/** A value with its name before it, nothing where it is null. */
export const named = (name: string, value: string) => `'${name}=' || (${value})::text`
