/** The first line of every generated document. */
export const GENERATED = '<!-- Written by scripts/generate-docs.ts; change what it is made from. -->\n'
