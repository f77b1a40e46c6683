import { bosh } from './bosh.ts'
import { cloudFoundry } from './cloud-foundry.ts'
import { debian } from './debian.ts'
import { executable } from './executable.ts'
import { helm } from './helm.ts'
import { images } from './images.ts'
import { npmPackages } from './npm-packages.ts'
import { rpm } from './rpm.ts'

/** A form in which the programs are shipped. */
export interface PackageKind {
  /** What is created, without a capital and a full stop. */
  description: string
  /**
   * Creates the packages from what `npm run build` built.
   *
   * @param output - An existing folder, where nothing else is removed.
   * @returns What to show: the paths of the packages, or the names of images.
   */
  create(output: string): Promise<string[]>
}

/** The kinds of `npm run package`, by name. */
export const kinds: Readonly<Record<string, PackageKind>> = {
  npm: { description: 'the packages @osb-backup/client, @osb-backup/protocol and osb-backup', create: npmPackages },
  executable: { description: 'osb-backup as one file that does not need Node, for this platform', create: executable },
  deb: { description: 'Debian packages of manager, agent, command line and Node (needs debhelper)', create: debian },
  rpm: { description: 'the same as RPM packages (needs rpmbuild)', create: rpm },
  image: {
    description: 'container images of the manager and the agents (needs buildah, podman or docker)',
    create: images,
  },
  helm: { description: 'the Helm chart', create: helm },
  cf: { description: 'the manager as a folder that `cf push` uploads', create: cloudFoundry },
  bosh: { description: 'the BOSH release', create: bosh },
}
