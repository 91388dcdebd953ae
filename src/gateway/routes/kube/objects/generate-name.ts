import { randomInt } from 'node:crypto'
import type { KubeObject } from '../../../kubernetes/objects.ts'

/** k8s.io/apimachinery's rand: no vowels, no characters that look alike. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const SUFFIX_LENGTH = 5
const MAX_BASE_LENGTH = 63 - SUFFIX_LENGTH

/** The object with a name of its own: the gateway draws generateName's suffix, since it reserves under the name (rule 18). */
export function withName<T extends KubeObject>(object: T): T {
  const { name, generateName } = object.metadata ?? {}
  if (name || typeof generateName !== 'string' || generateName === '') return object
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return {
    ...object,
    metadata: { ...object.metadata, name: generateName.slice(0, MAX_BASE_LENGTH) + suffix },
  }
}
