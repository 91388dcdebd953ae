import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { type ErrorCode, type ErrorEntry, errorRegistry } from '../../src/protocol/errors/index.ts'
import { GENERATED } from './generated.ts'

/** docs/errors.md: a heading per code, so that the `type` of a problem document ends at its paragraph. */
export function errorsDocument(): string {
  const entries = Object.entries(errorRegistry) as [ErrorCode, ErrorEntry][]
  const rows = entries.map(
    ([code, { status, reason, title, retryable }]) =>
      `| [\`${code}\`](#${code}) | ${status} | \`${reason}\` | ${retryable ? 'yes' : 'no'} | ${exitCodeOf(code)} | ${title} |`,
  )
  const paragraphs = entries.map(
    ([code, { status, reason, title, retryable, remedy }]) =>
      `## ${code}\n\n${title}. HTTP ${status}, reason \`${reason}\`; ${
        retryable
          ? 'the same request may succeed later.'
          : 'the same request fails again until it, or what it names, is changed.'
      }\n\nWhat to do: ${remedy}`,
  )
  return `${GENERATED}
# Errors

Every error of Isthmus has one of these codes. The operator, agent and token faces answer \`application/problem+json\` (RFC 9457) with the \`code\`, a \`type\` that ends in it, and \`errors\` by field; the Kubernetes face answers a \`metav1.Status\` with the \`reason\`. The token endpoint itself answers RFC 6749's errors. Branch on the code or the reason, never on the text. \`isthmus\` ends with the exit code that is named here.

| code | HTTP | reason | retryable | exit code | title |
|---|---|---|---|---|---|
${rows.join('\n')}

${paragraphs.join('\n\n')}
`
}
