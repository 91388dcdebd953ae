import type { V1PodSpec } from '@kubernetes/client-node'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { NewKubeObject } from '../../store/index.ts'
import { isQuantity } from './quantities.ts'

/**
 * What a real server can not even decode is 400 and not 422. The sandbox has no types of fields; it looks for those that
 * clients get wrong: quantities, values of ConfigMaps and base64 of Secrets. @throws bad_request.
 */
export function checkDecodable(kind: string, object: NewKubeObject): void {
  const refuse = (why: string) => {
    const text = `${kind} in version "v1" cannot be handled as a ${kind}: ${why}`
    return new IsthmusError('bad_request', text)
  }
  if (kind === 'Pod') {
    const { containers, initContainers } = (object['spec'] ?? {}) as V1PodSpec
    if (containers && !Array.isArray(containers)) throw refuse('spec.containers is no list')
    for (const { resources } of [...(containers ?? []), ...(initContainers ?? [])]) {
      for (const amount of Object.values({ ...resources?.limits, ...resources?.requests })) {
        if (!isQuantity(amount)) {
          throw refuse(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
          )
        }
      }
    }
  }
  if (kind !== 'ConfigMap' && kind !== 'Secret') return
  for (const value of Object.values((object['data'] ?? {}) as Record<string, unknown>)) {
    if (typeof value !== 'string') {
      throw refuse(`json: cannot unmarshal ${typeof value} into Go struct field ${kind}.data of type string`)
    }
    const at = kind === 'Secret' ? value.search(/[^A-Za-z0-9+/=\s]/) : -1
    if (at >= 0) throw refuse(`illegal base64 data at input byte ${at}`)
  }
}
