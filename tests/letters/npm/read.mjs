// Reads letters as programs of others do. Standard input is one JSON object: `letters`, each in base64,
// and `records`, the TXT records by name. Output is one JSON array: of each letter the verdict on each
// signature, and its List headers. Asks no network: every name is looked up in `records`.
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { simpleParser } from 'mailparser';

let input = '';
for await (const chunk of process.stdin) input += chunk;
const { letters, records } = JSON.parse(input);

async function resolver(name, type) {
  if (type === 'TXT' && records[name]) return [[records[name]]];
  throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
}

async function read(letter) {
  const raw = Buffer.from(letter, 'base64');
  const { results } = await dkimVerify(raw, { resolver });
  const { headers, text, html, from, to } = await simpleParser(raw);
  return {
    signatures: results.map(({ algo, selector, signingDomain, status }) => ({
      algorithm: algo, selector, domain: signingDomain, verdict: status.result,
    })),
    list: headers.get('list'), subject: headers.get('subject'), text, html,
    from: from.value, to: to.value,
  };
}

process.stdout.write(JSON.stringify(await Promise.all(letters.map(read))));
