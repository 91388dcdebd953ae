/**
 * Expands `$(NAME)` as Kubernetes does in env values, command and args: a known name is replaced, an unknown one is
 * left as it is written, `$$` is one `$`, so that `$$(NAME)` is the text `$(NAME)`. Results are not expanded again.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let result = ''
  let index = 0
  while (index < text.length) {
    const dollar = text.indexOf('$', index)
    if (dollar === -1 || dollar === text.length - 1) return result + text.slice(index)
    result += text.slice(index, dollar)
    const next = text[dollar + 1]
    const close = next === '(' ? text.indexOf(')', dollar + 2) : -1
    if (next === '$') {
      result += '$'
      index = dollar + 2
    } else if (close !== -1) {
      const name = text.slice(dollar + 2, close)
      result += lookup(name) ?? `$(${name})`
      index = close + 1
    } else {
      result += `$${next}`
      index = dollar + 2
    }
  }
  return result
}
