/** Kubernetes' limits for warnings (apiserver warning.go): one is cut at 256 characters, all together at 4 KiB. */
const MAX_ONE = 256
const MAX_ALL = 4096

/**
 * Texts as values of `Warning` headers, each of its own (RFC 7234, 5.5: code 299). What a header can not hold is
 * replaced: the texts name fields that the client made up.
 */
export function warningHeaders(texts: readonly string[]): string[] {
  const values: string[] = []
  let size = 0
  for (const text of texts) {
    const plain = text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_ONE)
    const value = `299 - "${plain.replace(/[\\"]/g, '\\$&')}"`
    size += value.length
    if (size > MAX_ALL) break
    values.push(value)
  }
  return values
}
