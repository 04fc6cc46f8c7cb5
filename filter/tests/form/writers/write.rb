# Sends the forms that it is asked for as Ruby's net/http or Faraday (by its multipart-post) writes them; see write.py.
require 'net/http'
require 'stringio'

def by_net_http(url, name, content)
  fields = [%w[model good-1]]
  fields << ['file', StringIO.new(content), { filename: name[1..], content_type: 'audio/mpeg' }] unless name == '-'
  post = Net::HTTP::Post.new(URI(url))
  post.set_form(fields, 'multipart/form-data')
  Net::HTTP.start(URI(url).host, URI(url).port) { |http| http.request(post) }
end

def by_faraday(url, name, content)
  require 'faraday'
  client = Faraday.new(url) { |it| it.request(:multipart) && it.adapter(:net_http) }
  file = Faraday::UploadIO.new(StringIO.new(content), 'audio/mpeg', name[1..])
  fields = name == '-' ? {} : { file: file }
  # Without a file Faraday writes a form only if it is told to.
  client.post('/', { model: 'good-1', **fields }, 'Content-Type' => 'multipart/form-data')
end

url, writer, *cases = ARGV
cases.each_slice(2) { |name, content| send("by_#{writer}", url, name, content) }
