// Sends the forms that it is asked for as undici, form-data, axios or formdata-node with its encoder write them; see write.py.
import { createRequire } from 'node:module';

const [url, writer, ...cases] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);

async function undici(form, name, content) {
  form.append('model', 'good-1');
  if (name !== '-') form.append('file', new File([content], name.slice(1), { type: 'audio/mpeg' }));
  await (await fetch(url, { method: 'POST', body: form })).text();
}

function formData(name, content) {
  const form = new (require('form-data'))();
  form.append('model', 'good-1');
  if (name !== '-') form.append('file', Buffer.from(content), { filename: name.slice(1), contentType: 'audio/mpeg' });
  return form;
}

const send = {
  undici: (name, content) => undici(new FormData(), name, content),
  'form-data': (name, content) => new Promise((done, failed) => {
    formData(name, content).submit(url, (error, answer) => (error ? failed(error) : answer.resume().on('end', done)));
  }),
  // With the form of the platform, which axios writes itself.
  axios: async (name, content) => {
    const form = new FormData();
    form.append('model', 'good-1');
    if (name !== '-') form.append('file', new File([content], name.slice(1), { type: 'audio/mpeg' }));
    await require('axios').post(url, form);
  },
}[writer];
for (let at = 0; at < cases.length; at += 2) await send(cases[at], cases[at + 1]);
