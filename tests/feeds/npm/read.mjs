// Reads feeds as a program of others does. Standard input is one JSON array of documents, each in base64;
// output is one JSON array: of each its format and what feedsmith finds in it, nothing left out.
import { parseFeed } from 'feedsmith';

let input = '';
for await (const chunk of process.stdin) input += chunk;

const read = (document) => parseFeed(Buffer.from(document, 'base64').toString('utf-8'));
process.stdout.write(JSON.stringify(JSON.parse(input).map(read)));
