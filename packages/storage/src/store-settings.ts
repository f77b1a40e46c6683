/** How certificates of https are judged. */
export interface TlsSettings {
  /** Certificates (PEM) that are trusted besides the system's. */
  ca?: string
  /** Takes any certificate: whoever stands between can read and change everything. */
  insecure?: boolean
}

/** An S3 bucket, at AWS or at anything that speaks its protocol. */
export interface S3Settings {
  type: 's3'
  /** URL, or `host:port` which then takes its scheme from `plainHttp`. Absent or empty: AWS in `region`. */
  endpoint?: string
  /** Absent or empty: `us-east-1`. */
  region?: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  /** Plain http for an endpoint without a scheme. */
  plainHttp?: boolean
  /** The bucket in the path, or as part of the host's name (false). Absent: in the path, save at AWS itself. */
  pathStyle?: boolean
  tls?: TlsSettings
}

/** A container of OpenStack Swift, reached over Keystone v3 by password. */
export interface SwiftSettings {
  type: 'swift'
  /** Keystone's URL, with or without `/v3`. */
  authUrl: string
  /** Name of the domain of both user and project. */
  domain: string
  projectName: string
  username: string
  password: string
  container: string
  /** Region of the catalog's endpoint. Absent: the first object-store endpoint. */
  region?: string
  /** Swift's URL for the project, where the catalog's cannot be reached from here. */
  storageUrl?: string
  tls?: TlsSettings
}

/** A directory: a local disk or a mounted NFS share. It must exist. */
export interface FileSettings {
  type: 'file'
  directory: string
}

/** Everything needed to reach a store, secrets included. */
export type StoreSettings = S3Settings | SwiftSettings | FileSettings
