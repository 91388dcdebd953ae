/**
 * What the policy says of one field of the Pod schema. `allow`: the field may be set; what is inside an object
 * is judged by its own type's rules. A function judges the value, and returns why it is refused, or undefined.
 */
export type Rule = 'allow' | Refusal | ((value: unknown) => string | undefined)

export interface Refusal {
  refuse: string
}

/** The key of a rule that judges the object as a whole, where one field alone does not tell. */
export const WHOLE = '.'

/**
 * Rules of one schema type, by field. A field without a rule is refused: new fields are closed until decided on.
 * Under `WHOLE` stands a rule for the object itself.
 */
export type TypeRules = Readonly<Record<string, Rule>>

/** The field is not the tenant's. */
export const refuse = (why: string): Refusal => ({ refuse: why })

/** Only these values; absent is always fine. */
export const only =
  (...values: readonly (string | number | boolean)[]) =>
  (value: unknown): string | undefined =>
    value === undefined || value === null || values.some((allowed) => allowed === value)
      ? undefined
      : `only ${values.map((allowed) => JSON.stringify(allowed)).join(', ')} is allowed`

/** Each element must be one of these. */
export const onlyElements =
  (allowed: ReadonlySet<string>) =>
  (value: unknown): string | undefined => {
    if (!Array.isArray(value)) return undefined
    const refused = value.filter((element) => !allowed.has(String(element)))
    return refused.length === 0 ? undefined : `${refused.map(String).join(', ')} is not allowed`
  }
