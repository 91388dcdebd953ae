import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import type { FieldFault } from '../../../protocol/errors/index.ts'
import { duplicate, invalid, missing, required, unsupported } from './faults.ts'
import { compareQuantities, isQuantity } from './quantities.ts'

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

/** The faults of a pod's spec that the sandbox looks for: a part of core/validation ValidatePodSpec. */
export function validatePodSpec(spec: V1PodSpec): FieldFault[] {
  const faults: FieldFault[] = []
  const volumes = new Set<string>()
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const field = `spec.volumes[${index}].name`
    if (!volume.name) faults.push(required(field))
    else if (!LABEL.test(volume.name)) faults.push(invalid(field, volume.name, LABEL_TEXT))
    if (volumes.has(volume.name)) faults.push(duplicate(field, volume.name))
    volumes.add(volume.name)
  }
  if (!spec.containers?.length) faults.push(required('spec.containers'))
  const names = new Set<string>()
  const groups = [
    ['spec.initContainers', spec.initContainers ?? []],
    ['spec.containers', spec.containers ?? []],
    ['spec.ephemeralContainers', (spec.ephemeralContainers ?? []) as V1Container[]],
  ] as const
  for (const [path, containers] of groups) {
    for (const [index, container] of containers.entries()) {
      faults.push(...validateContainer(`${path}[${index}]`, container, names, volumes))
    }
  }
  oneOf(faults, 'spec.restartPolicy', spec.restartPolicy, ['Always', 'OnFailure', 'Never'])
  oneOf(faults, 'spec.dnsPolicy', spec.dnsPolicy, [
    'ClusterFirst',
    'ClusterFirstWithHostNet',
    'Default',
    'None',
  ])
  const grace = spec.terminationGracePeriodSeconds
  if (grace !== undefined && grace < 0) {
    faults.push(invalid('spec.terminationGracePeriodSeconds', grace, 'must be greater than or equal to 0'))
  }
  if (spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1) {
    const text = 'must be between 1 and 2147483647, inclusive'
    faults.push(invalid('spec.activeDeadlineSeconds', spec.activeDeadlineSeconds, text))
  }
  return faults
}

function oneOf(faults: FieldFault[], field: string, value: unknown, supported: readonly string[]): void {
  if (value !== undefined && !supported.includes(String(value)))
    faults.push(unsupported(field, value, supported))
}

function validateContainer(
  path: string,
  container: V1Container,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): FieldFault[] {
  const faults: FieldFault[] = []
  if (!container.name) faults.push(required(`${path}.name`))
  else if (!LABEL.test(container.name)) faults.push(invalid(`${path}.name`, container.name, LABEL_TEXT))
  else if (names.has(container.name)) faults.push(duplicate(`${path}.name`, container.name))
  names.add(container.name)
  if (!container.image) faults.push(required(`${path}.image`))
  oneOf(faults, `${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'])
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const field = `${path}.volumeMounts[${index}]`
    if (!mount.mountPath) faults.push(required(`${field}.mountPath`))
    if (!volumes.has(mount.name)) faults.push(missing(`${field}.name`, mount.name))
  }
  for (const [index, port] of (container.ports ?? []).entries()) {
    const field = `${path}.ports[${index}].containerPort`
    if (!port.containerPort) faults.push(required(field))
    else if (port.containerPort < 1 || port.containerPort > 65535) {
      faults.push(invalid(field, port.containerPort, 'must be between 1 and 65535, inclusive'))
    }
  }
  for (const [index, entry] of (container.env ?? []).entries()) {
    if (!entry.name) faults.push(required(`${path}.env[${index}].name`))
  }
  faults.push(...validateResources(`${path}.resources`, container.resources))
  return faults
}

function validateResources(path: string, resources: V1Container['resources']): FieldFault[] {
  const faults: FieldFault[] = []
  for (const kind of ['limits', 'requests'] as const) {
    for (const [name, amount] of Object.entries(resources?.[kind] ?? {})) {
      const field = `${path}.${kind}[${name}]`
      if (!isQuantity(amount)) {
        faults.push(
          invalid(field, amount, 'quantities must match the regular expression of resource.Quantity'),
        )
      } else if (compareQuantities(amount, '0') < 0) {
        faults.push(invalid(field, amount, 'must be greater than or equal to 0'))
      }
    }
  }
  if (faults.length > 0) return faults
  for (const [name, request] of Object.entries(resources?.requests ?? {})) {
    const limit = resources?.limits?.[name]
    if (limit !== undefined && compareQuantities(request, limit) > 0) {
      faults.push(
        invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`),
      )
    }
  }
  return faults
}
