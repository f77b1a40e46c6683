import { createHash } from 'node:crypto'
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import type { ThirdPartyPackage } from './third-party-packages.ts'

/** A program that has a bill of materials. */
interface Product {
  name: string
  version: string
  description: string
  license: string
}

/**
 * The bill of materials of a program, CycloneDX in JSON. It depends on its arguments alone: it has no date, and its serial number
 * is a digest of what it lists.
 */
export function billOfMaterials(product: Product, packages: readonly ThirdPartyPackage[]): string {
  const root = new Models.Component(Enums.ComponentType.Application, product.name, {
    bomRef: product.name,
    version: product.version,
    description: product.description,
    licenses: licenseOf(product.license),
  })
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: root }),
    serialNumber: serialNumber(product, packages),
  })
  for (const each of packages) {
    const component = componentOf(each)
    bom.components.add(component)
    root.dependencies.add(component.bomRef)
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6))
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`
}

function componentOf({ name, version, license }: ThirdPartyPackage): Models.Component {
  const [, group, base = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? []
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return new Models.Component(Enums.ComponentType.Library, base, {
    ...(group === undefined ? {} : { group }),
    bomRef: purl,
    version,
    purl,
    licenses: licenseOf(license),
  })
}

/** A name of the SPDX list, or an expression of several. */
function licenseOf(license: string): Models.LicenseRepository {
  return new Models.LicenseRepository([
    license.includes(' ') ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license),
  ])
}

/** A UUID of version 8, of a digest. */
function serialNumber(product: Product, packages: readonly ThirdPartyPackage[]): string {
  const listed = packages.map(({ name, version, license }) => [name, version, license])
  const hex = createHash('sha256')
    .update(JSON.stringify([product, listed]))
    .digest('hex')
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
  return `urn:uuid:${groups.join('-')}`
}
